"""The stages of an item's life, one module each: poll, read, route, approve, send, see, audit."""
