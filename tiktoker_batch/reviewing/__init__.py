"""What a person makes of text and shots: ``work/<id>/shots.yaml`` as values and as text, and the contact sheet."""
