"""The background process registry: queue in SQL, one process per task, nothing stuck."""
