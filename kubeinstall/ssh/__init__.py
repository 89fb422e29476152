"""ssh connections: host keys, a persistent root shell, reasons for failures; no pyinfra."""
