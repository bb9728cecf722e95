"""Stories that go through the whole system, as people and their browsers live them."""
