"""The cheapest experiment that would settle whether a new plan beats today's."""
