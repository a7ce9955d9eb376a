"""The Celery application: every setting with its reason, and what each process owns.

Celery moves hints, not messages. A task's loss costs a few seconds, its repetition nothing, so no
result backend, no retries, no late acknowledgement and no times are left to the broker.
"""

from __future__ import annotations

from celery import Celery

from messaging import queues
from messaging.settings import Settings

settings = Settings.read()

app = Celery("posthorn", broker=settings.redis_url, include=["workers.tasks", "workers.doors"])
app.conf.update(
    # Queues are declared once, in messaging.queues; a typo must fail, not make a queue nobody reads.
    task_queues=queues.declared(),
    task_default_queue=queues.WorkQueue.MAINTENANCE.value,
    task_default_exchange="posthorn",
    task_default_routing_key=queues.WorkQueue.MAINTENANCE.value,
    task_create_missing_queues=False,
    task_routes={task.value: {"queue": q.value} for task, q in queues.TASK_QUEUES.items()},
    # The row in Postgres is what is redelivered. Late acknowledgement would only add a second
    # redelivery, with duplicates, after every lost connection.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    result_backend=None,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_track_started=False,
    # No limit raises inside a commit: psycopg commits in Python, and an exception from a signal
    # handler may surface after Postgres has committed. The hard limit kills a hung child; its leases
    # run out and evidence settles the rest.
    task_soft_time_limit=None,
    task_time_limit=180,
    task_publish_retry=False,
    task_serializer="json",
    accept_content=["json"],
    event_serializer="json",
    # A parked hint is a hint somebody else could have answered.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_max_tasks_per_child=20_000,
    worker_max_memory_per_child=400_000,
    worker_soft_shutdown_timeout=35.0,
    worker_enable_remote_control=True,
    worker_hijack_root_logger=False,
    # For Flower. Hints hold no personal data; the one task that does masks itself on arrival.
    worker_send_task_events=True,
    task_send_sent_event=False,
    event_queue_ttl=5,
    event_queue_expires=60,
    control_queue_ttl=60,
    enable_utc=True,
    timezone="UTC",
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    # The default gives up after 100 tries, and a read-only replica after a failover is a channel
    # error, which by default ends the worker.
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    broker_transport_options={
        # Only hints that a dead worker had prefetched ever wait for this.
        "visibility_timeout": 300,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 3,
        # The defaults wait for ever on a half-open connection.
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "client_name": "posthorn-worker",
    },
    visibility_timeout=300,
)
