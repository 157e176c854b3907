"""Design rules of the field held against an instance: plan, people, books, and sums that cannot work out."""
