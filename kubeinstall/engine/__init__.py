"""The only door to pyinfra: connections, bulk facts, rounds of operations, events."""
