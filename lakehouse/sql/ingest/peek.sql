SELECT EXISTS (${changes})
