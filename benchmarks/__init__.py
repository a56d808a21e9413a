"""What we promise about speed, each measured beside a bare reference in the same run."""
