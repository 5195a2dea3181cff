"""Background tasks: a queue in SQL, a process per task, and the supervisor that starts them."""
