"""What a host does now and then: backup, restore, changes of size; how a command reaches a running system."""
