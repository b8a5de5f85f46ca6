"""The page a person looks at: traces, coverage and what reviewers are asked, in a browser, without a build.

In: a request for one of the page's files. Out: the file, under a policy that runs no script but the page's own. The
files hold no data; what they show comes from the admin listener's API, with the token of whoever looks.
"""
