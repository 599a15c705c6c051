"""The command as a process: its streams, exit codes and signals, over a daemon that really answers."""
