"""Lists of our people that are kept elsewhere, each as a MemberSource."""
