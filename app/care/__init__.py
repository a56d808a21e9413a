"""Looking after an installation: backups that are whole, restoring them, and finding out what is wrong."""
