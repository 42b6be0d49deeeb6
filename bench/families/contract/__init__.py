"""What a family of metrics declares and implements, and the rules that it follows."""
