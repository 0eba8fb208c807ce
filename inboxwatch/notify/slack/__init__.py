"""The channel `slack`: messages with buttons to people and channels, over the Web API and Socket Mode."""
