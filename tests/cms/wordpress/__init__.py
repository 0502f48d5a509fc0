"""WordPress in the table: without the companion (class C) and with it (class A); its server is tests/wordpress."""
