"""What passes between the studio and a teacher: address and key, question and reply, faults and when to ask again."""
