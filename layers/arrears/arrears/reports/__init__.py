"""Who owes, how late, what to do next: aging, tiers, urgency, suggested actions and behaviour. Pure."""
