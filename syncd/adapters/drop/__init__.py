"""The drop adapters: each document a package in a folder or on an SFTP server, for CMSs that only take files."""
