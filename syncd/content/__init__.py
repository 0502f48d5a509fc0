"""From a source's page to a clean revision with its attachments."""
