"""Running pyinfra: connections, bulk facts, rounds of operations, events."""
