"""The only module that names concrete classes: it builds the daemon and hands the service to the faces."""
