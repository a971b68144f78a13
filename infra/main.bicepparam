using 'main.bicep'

param name = 'sigil'
param tokenAudience = 'api://00000000-0000-0000-0000-000000000000'
param gallerySubscriptionIds = [
  '00000000-0000-0000-0000-000000000000'
]
param sources = [
  'snapshot'
]
