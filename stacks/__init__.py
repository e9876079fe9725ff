"""The platform's CloudFormation stacks, in the order the data travels."""
