# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a node, for tests of what can be read from it."""

from __future__ import annotations

# Made with openssl: issuer CN=swarm-ca, subject O=wy5x3do1o7zfldy5nft1w88vd, OU=swarm-worker, CN=q7j1nfjj3gq3ibqcsd61wnzd9.
PEM = """
-----BEGIN CERTIFICATE-----
MIIBbTCCARMCFDzq1wn7IiLGNwoLVOrsOouOQcDkMAoGCCqGSM49BAMCMBMxETAP
BgNVBAMMCHN3YXJtLWNhMB4XDTI2MTEyMjIwNTEzMFoXDTI3MDIyMDIwNTEzMFow
XzEiMCAGA1UECgwZd3k1eDNkbzFvN3pmbGR5NW5mdDF3ODh2ZDEVMBMGA1UECwwM
c3dhcm0td29ya2VyMSIwIAYDVQQDDBlxN2oxbmZqajNncTNpYnFjc2Q2MXduemQ5
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdGLlFz4DcNrJGRGFKuR+U1b8a0Iy
iHU++aNU/2boqxXoEAGB0P5nCs9tzUPTL7g99+CqheOtICQJt/HpPpTUljAKBggq
hkjOPQQDAgNIADBFAiA1g7bOpWVlrie16jweAXGhmUQmm4wqqgWLK7iPbs53OAIh
AOH9QBbXcxYaSaJIJz8ArwJW0G6mQPTjqD7MbiDTKZgu
-----END CERTIFICATE-----
"""
SUBJECT = {"cluster_id": "wy5x3do1o7zfldy5nft1w88vd", "role": "worker", "node_id": "q7j1nfjj3gq3ibqcsd61wnzd9"}
EXPIRES = "2027-02-20T20:51:30Z"
