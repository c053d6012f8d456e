"""Where runs are made: processes of this machine so far. The strategy never knows which."""
