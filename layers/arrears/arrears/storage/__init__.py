"""The ledger and who may use it, on DynamoDB. The only place that knows boto3."""
