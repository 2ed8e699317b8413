"""What happened, for people: a report, a terminal, files beside a video. Everything here is a view of the state."""
