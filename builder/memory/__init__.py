"""What is kept between runs: records and their history, passes, nights, and what partners were asked."""
