"""What end users say of answers: thumbs, stars, comments, corrections."""
