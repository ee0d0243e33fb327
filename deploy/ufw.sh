#!/bin/sh
# What the world may reach on a machine with SubsTrack: ssh, and the proxy. Read it, then: sudo sh deploy/ufw.sh
#
# SubsTrack itself listens on 127.0.0.1 and PostgreSQL on a socket; neither needs a rule. Mail, Telegram and
# certificates are outgoing. A port that Docker publishes goes past ufw, unless it is published on 127.0.0.1.
set -eu

ufw default deny incoming
ufw default allow outgoing

# First of all, or you lock yourself out. Six connections within half a minute from one address, then a pause.
# Another port than 22? Say it here.
ufw limit 22/tcp

# 80 leads to 443 and proves to the certificate authority that the name is yours.
ufw allow 80/tcp
ufw allow 443/tcp

# Several machines: on the one with PostgreSQL, each of the others by its address.
#ufw allow from 10.0.0.11 to any port 5432 proto tcp
#ufw allow from 10.0.0.12 to any port 5432 proto tcp
# On a machine with web processes whose proxy is elsewhere (and --bind on its own address, not 127.0.0.1):
#ufw allow from 10.0.0.10 to any port 8000 proto tcp

ufw --force enable
ufw status verbose
