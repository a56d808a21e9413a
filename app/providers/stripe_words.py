"""Stripe's words and ours: kinds of events, and how things stand."""
KINDS = {
    "payment_intent.created": "payment.created",
    "payment_intent.processing": "payment.changed",             # the bank is thinking about it
    "payment_intent.requires_action": "payment.changed",        # the customer has to confirm
    "payment_intent.amount_capturable_updated": "payment.authorised",
    "payment_intent.partially_funded": "payment.changed",
    "payment_intent.succeeded": "payment.paid",
    "payment_intent.payment_failed": "payment.failed",
    "payment_intent.canceled": "payment.failed",                # no money will come of it
    "charge.pending": "charge.changed",
    "charge.succeeded": "charge.changed",                       # authorised or paid: `captured` says which
    "charge.captured": "charge.changed",
    "charge.updated": "charge.changed",
    "charge.failed": "charge.changed",
    "charge.expired": "charge.changed",                         # authorised, never captured
    "charge.refunded": "charge.changed",                        # carries the sum of all refunds so far
    "refund.created": "refund.made",                            # one refund; says nothing of the sum
    "refund.updated": "refund.made",
    "charge.refund.updated": "refund.made",                     # the same under its older name
    "charge.dispute.created": "dispute.opened",
    "charge.dispute.updated": "dispute.changed",
    "charge.dispute.closed": "dispute.changed",
    "charge.dispute.funds_withdrawn": "dispute.changed",
    "charge.dispute.funds_reinstated": "dispute.changed",
    "customer.created": "customer.changed",
    "customer.updated": "customer.changed",
    "customer.subscription.created": "subscription.changed",
    "customer.subscription.updated": "subscription.changed",
    "customer.subscription.paused": "subscription.changed",
    "customer.subscription.resumed": "subscription.changed",
    "customer.subscription.deleted": "subscription.changed",    # it ended; the object stays
}

INTENT_STATUS = {
    "requires_payment_method": "pending",
    "requires_confirmation": "pending",
    "requires_action": "pending",
    "processing": "pending",
    "requires_capture": "authorised",
    "succeeded": "paid",
    "canceled": "failed",
}

SUBSCRIPTION_STATUS = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",                 # Stripe has stopped asking for the money
    "incomplete": "past_due",             # the first invoice is open
    "incomplete_expired": "ended",
    "paused": "paused",                   # the trial ended without a way to pay
    "canceled": "ended",
}

DISPUTE_STATUS = {
    "won": "paid",
    "warning_closed": "paid",             # an enquiry that never became a dispute
}
