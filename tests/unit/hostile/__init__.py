"""A hostile host, node, tenant, registry and archive: what each can say, and that nobody obeys."""
