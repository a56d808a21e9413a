"""Work that outlives a request. A queue is a table; Redis only rings.

`registry.job`      makes a function a kind of job: @job("exports.run", queue="heavy")
`enqueue.enqueue`   adds one in the caller's transaction; `enqueue.requeue` puts a row that ended back
`work.Work`         is what the function is given
`models.Queued`     makes another table a queue, with `models.queue_indexes`, `queue.Queue` and `queues.register`
`queue`             claim, finish, finish_many, fail, cancel, release: written once for every queue
`drain.drain`       works off what is due in this process
"""
