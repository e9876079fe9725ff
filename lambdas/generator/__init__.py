"""The example shop: a believable stream of users, orders and changes in the source database."""
