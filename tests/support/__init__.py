"""What tests of several layers share: databases and servers. No claims are made here."""
