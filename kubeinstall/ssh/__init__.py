"""ssh connections: dialled, checked, kept open, and a root shell over them; no pyinfra here."""
