"""Pure decisions: no clock, no network, no store; every function says why."""
