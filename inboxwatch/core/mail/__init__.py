"""Mail: reading headers, placing messages in threads, telling people from machines, finding the lead."""
