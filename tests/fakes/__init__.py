"""Stand-ins for what lies outside our machine; they speak the real protocol."""
