"""What a key may use at a time: unfinished jobs, bytes of uploads, requests a minute.

Jobs and bytes are counted in the database while the key's row is locked, so that of two requests at once
only one gets the last place. Requests are counted in the broker, which all processes of the API share; while
it is away they are not counted, and nobody is refused.

Without keys there is one user, who has no limits but those of the machine.
"""
