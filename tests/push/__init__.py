"""Push (WebSub): against a hub in memory with every fault, through the door as it is served, and against a real hub."""
