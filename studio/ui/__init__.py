"""What a person sees: pages in two languages over the engine's services. Nothing here touches a table."""
