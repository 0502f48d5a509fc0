"""syncd under a real systemd: a throw-away machine is booted, syncd is installed as an operator would, and watched."""
