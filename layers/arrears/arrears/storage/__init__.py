"""The ledger, access to it and its history, on DynamoDB and S3. Only this package knows boto3."""
