"""Everything on this machine: the embedded Valkey, the first start, and the supervisor that keeps the processes going."""
