"""pyinfra deploys: what phases do on a host; they also run under the plain pyinfra command."""
