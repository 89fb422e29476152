"""pyinfra deploys: what each phase does to a host; they run under the plain pyinfra command too."""
