"""The report: how long buyers waited in a period, as figures and as a page. Web, daemon and command share it."""
