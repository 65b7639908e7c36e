"""The on-call rules a second time, slowly: what the resolver of tocsin is compared with.

`clocks` holds T1 to T3 by looking at minutes, `resolver` R, W, L, A, F by their definitions, `cases` random schedules.
`smaller` cuts down one that disagrees. Only `compare` knows the resolver of tocsin.
"""
