"""The examples of the unified document, letter by letter."""

from __future__ import annotations

PATH = "/api/messaging/send"
SENDER = "825b8057-c85f-44a9-9e9f-6e7d7389ecfc"
PERSON = "1234567890123456"
EMAIL = """{
"message_data": {
"recipient": "customer@example.com",
"subject": "Welcome to our service!",
"content": "Thank you for signing up.",
"html_content": "<h1>Welcome!</h1><p>Thank you for signing up.</p>",
"sender_name": "Acme Support Team"
},
"message_type": "TRANSACTIONAL",
"priority": "HIGH"
}"""
SMS = """{
"sender_type": "sms",
"sender_identifier": "825b8057-c85f-44a9-9e9f-6e7d7389ecfc",
"message_data": {
"recipient": "+1234567890",
"content": "Your appointment is confirmed for tomorrow at 3 PM.",
"contact_id": "11111111-0001-0001-0001-000000000001",
"metadata": {
"campaign_id": "spring_promo",
"sent_by": "SMS Test"
}
}
}"""
INSTAGRAM = """{
"sender_type": "instagram_dm",
"sender_identifier": "825b8057-c85f-44a9-9e9f-6e7d7389ecfc",
"message_data": {
"recipient": "1234567890123456",
"content": "Thanks for reaching out! We'll get back to you soon.",
"image_url": "https://example.com/promo.jpg",
"contact_id": "11111111-0001-0001-0001-000000000001"
},
"message_type": "TRANSACTIONAL"
}"""
VALID_SMS = SMS.replace("+1234567890", "+12025550123")
LEADS = [f"550e8400-e29b-41d4-a716-44665544000{n}" for n in (1, 2, 3)]
BY_LEADS = """{
"bulk_settings": {
"lead_ids": [
"550e8400-e29b-41d4-a716-446655440001",
"550e8400-e29b-41d4-a716-446655440002",
"550e8400-e29b-41d4-a716-446655440003"
]
},
"message_data": {
"recipient": "placeholder@example.com",
"subject": "Special Offer - 50% Off!",
"content": "Limited time offer just for you!",
"sender_name": "Marketing Team"
},
"message_type": "MARKETING",
"priority": "NORMAL"
}"""
BY_KEYWORD = """{
"bulk_settings": {
"search_keyword": "enterprise customers"
},
"message_data": {
"recipient": "+1234567890",
"content": "Exclusive enterprise plan now available!"
},
"message_type": "MARKETING"
}"""
BY_FILTERS = """{
"bulk_settings": {
"filters": {
"conditions": [
{
"id": "group-1",
"conditions": [
{
"id": "cond-1",
"field": "first_name",
"operator": "contains",
"value": "st"
},
{
"id": "1759891068581-u3gsnk8f7",
"field": "tags",
"operator": "contains",
"value": ["Import 10/05/25"]
}
]
}
]
}
},
"message_data": {
"recipient": "placeholder@example.com",
"subject": "VIP Notification",
"content": "Important update for VIP customers"
},
"message_type": "NOTIFICATION",
"priority": "3"
}"""
BY_ASSIGNEES = """{
"bulk_settings": {
"assignees": ["user-uuid-1", "user-uuid-2"]
},
"message_data": {
"recipient": "placeholder@example.com",
"subject": "Team Update",
"content": "Check your assigned leads"
},
"message_type": "NOTIFICATION"
}"""
